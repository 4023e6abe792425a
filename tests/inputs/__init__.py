"""Public functions with good arguments, ways to spoil one of them, and what may come of it."""
