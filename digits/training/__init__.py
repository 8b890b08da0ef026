"""Makes the model that is deployed: the tutorial's one-vs-rest logistic regression, same bytes from same data."""
