"""x."""
def write_page(run,journal,summary): return None
