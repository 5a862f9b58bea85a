"""`cem notify`: the process that sends messages about alerts to those who do not read Kafka."""
