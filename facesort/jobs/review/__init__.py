"""A sitting in which the user is asked who is who, and every answer is kept at once.

Where an answer goes: `session.ReviewSession.answer` makes sure that the question still holds;
`writing.write_answer` turns it into decisions through `steps` and `jobs.decide`, all in the one
transaction of `access.deciding`. When that has been committed, `queue.answer` does the same in
memory (`facesort.review.answering`), so that the next question comes at once. The two must agree:
what is in memory is compared with what is stored, and read anew where it differs (`sitting`).

`reading` makes the crowd that a sitting begins with out of the catalog; `sitting` follows what
others write; `taking_back` is undo and redo; `acting` and `listing` are what a page does besides
answering; `opening` gives all of it to `Library`.
"""
