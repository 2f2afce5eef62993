//! What a hostile review of our own duty loop has found; each was once wrong.
