"""Dashboards, made in code; Grafana reads the JSON in `dashboards/`."""
