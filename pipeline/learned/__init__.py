"""What is learned from labelled texts: n-grams, features, the model and its file. Nothing here learns; that is in
`agents/training/`."""
