"""Tables of mixed columns: what their cells say, what each column becomes, and how they are read and streamed."""
