"""What runs the stages of a recipe: the table, the runner, the sweep over many recipes."""
