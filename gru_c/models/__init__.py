"""The models that users build and train, and their loading, summary and profile."""
