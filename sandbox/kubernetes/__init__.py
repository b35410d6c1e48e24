"""A small strict Kubernetes: the API server of every EKS cluster of this cloud, and what its controllers would do."""
