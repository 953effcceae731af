"""Why backpropagation: the naive searches, measured beside it."""
