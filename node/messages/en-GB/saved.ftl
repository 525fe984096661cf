saved-heading = Saved searches
saved-none = No search is saved yet. Search for something, and choose “Save this search” below the results: what other schools share about it later is then listed here.
saved-new = { $count } new
saved-problem = It finds nothing at the moment: { $problem }.
saved-nothing-new = Nothing new has come since it was saved.
saved-is-new = New:
saved-seen = Mark as seen
saved-remove = Remove
