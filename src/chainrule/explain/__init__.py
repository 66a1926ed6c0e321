"""The teacher: any number of any network, taken apart into the factors of the chain rule."""
