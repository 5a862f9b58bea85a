"""What travels: one file per record, the codec, the topics, and the documents made from them."""
