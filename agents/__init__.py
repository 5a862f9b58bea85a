"""How it moves: Faust, Kafka, the clock, the terminal. All input and output of the project is in here."""
