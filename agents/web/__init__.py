"""The console: pages, JSON, live updates. Reads Kafka, writes actions."""
