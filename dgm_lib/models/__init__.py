"""The families of generative models, one file or package each; none imports another."""
