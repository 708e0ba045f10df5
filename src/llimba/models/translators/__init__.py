"""Machine translation: Apertium, NLLB, a model of llimba's own; what the instruct and the evaluate stage both ask."""
