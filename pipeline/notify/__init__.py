"""Messages to people and machines that do not read Kafka: who gets which, when, and in which form."""
