"""History: what came out of the service, from Kafka into PostgreSQL."""
