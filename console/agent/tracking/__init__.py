"""What programs report while they run as jobs: MLflow's tracking API, one token a job."""
