//! Hostile packages, one by one.
