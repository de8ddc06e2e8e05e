"""The figures of speed, each a ratio of ours to the least that can do the same work, within one run."""
