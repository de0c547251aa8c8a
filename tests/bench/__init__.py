"""What narrating costs, as ratios measured in one run: `python -m tests.bench` prints the table."""
