"""One file per protocol that clients already speak; each turns its requests into rows and back."""
