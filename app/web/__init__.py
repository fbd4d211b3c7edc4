"""The doors over HTTP: pages, API and feeds. Flask is known here, in the factory and nowhere else."""
