"""Training: labelled texts -> a model. The only place that needs scikit-learn, and only while it learns."""
