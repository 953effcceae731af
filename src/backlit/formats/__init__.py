"""Files: how they are written so that no crash can harm them, and how they are read so that no file can harm."""
