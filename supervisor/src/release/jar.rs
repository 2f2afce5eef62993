//! What an archive says of itself, read strictly. To be written.
