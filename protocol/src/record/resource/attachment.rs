//! The files of a resource and the address in their place.
