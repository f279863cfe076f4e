"""Looking inside: features, neighbours, projections, suspect labels, near duplicates, where the
network looked.
"""
