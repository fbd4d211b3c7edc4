"""The API: notices in, closures and answers out, and the document that describes both."""
