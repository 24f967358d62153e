"""From files to pictures: walking folders, content keys, decoding, geometry, crops."""
