"""A pass in words: one table of sentences, in English and Chinese, and the voices that speak them."""
