"""The reference model server: engines that complete code behind `ensemble.v1.ModelService`."""
