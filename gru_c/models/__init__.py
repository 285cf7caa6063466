"""The models that users build and train."""
