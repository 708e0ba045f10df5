"""Stage 4: continued pretraining on documents."""
