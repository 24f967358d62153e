"""The use cases of a library, one folder for each kind; `facesort.library` puts them together.

viewing, deciding, giving, measuring, learning    the methods of `Library`, a few lines each
looking        its models and settings, and what makes an earlier look at a photo current
scanning       what is on disk against what the catalog knows
grouping       from faces to people: read, computed, published
decide         what the user says, checked and written
showing        people, faces and photos as they are shown, and why
describing     the few faces that stand for a person, and the vectors made of them
recognising    single pictures: verify, identify
exporting      albums of photos, files of vectors
benches        accuracy, sets of faces, speed
training       learning from labelled folders or confirmed people
doctor         what is wrong with an installation or a library
"""
