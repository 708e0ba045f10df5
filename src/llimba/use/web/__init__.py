"""A page in the browser for one finished model: chat and translation, on Gradio."""
