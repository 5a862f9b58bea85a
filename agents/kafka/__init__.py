"""Kafka: the brokers that development and tests run on, and how the agents reach them."""
