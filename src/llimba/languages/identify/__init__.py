"""Which language a text is in, where the candidates are near relatives and packaged identifiers fail."""
