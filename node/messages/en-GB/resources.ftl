# The pages of resources and of adding files.

resources-heading = Resources
resources-what = What this school shares with others: lesson plans, slides, worksheets and other files.
resources-add = Add files
resources-of-others = Find resources of all schools
resources-none = This school shares no resources yet.
resources-count = { $count ->
    [one] 1 resource
   *[other] { $count } resources
}
resources-files = { $count ->
    [one] 1 file
   *[other] { $count } files
}
resources-link = a link, without files
resources-pinned = pinned
resources-pages = More resources
resources-before = Those before
resources-after = Those after
add-heading = Add files
add-what = Nothing leaves the school yet. Each file is looked through for pupil data, and you see what will be shared before you share it.
add-choose = Choose at least one file.
add-how = What will they be?
add-one = One resource
add-each = One for each file
add-licence = Who may use them?
add-names = Names in files
add-names-hint = Documents and photographs often name who made them, or where.
add-remove-names = Remove names where that can be done
add-files = Files
add-files-hint = Up to 40 in one resource, and up to 2 GiB each. Programs, scripts and documents with macros are not shared.
add-folder = Or a folder
add-drop = You can drop files or a folder here.
add-progress = Your files
add-waits = waits
add-sending = is being sent
add-looking = is being looked through
add-added = added
add-failed = did not arrive. Try this file again.
add-go-on = Go on to
added-heading = Files added
added-refused = { $count ->
    [one] 1 file was not added
   *[other] { $count } files were not added
}
added-drafts = Check each draft before you share it:
added-together = Check and share them together
added-more = Add more files
files-heading = Files
files-none = There are no files yet. Add some, or give a link below.
files-text = Looked through for pupil data.
files-no-text = Not looked through: { $reason }.
files-names = It { $names }.
files-names-stay = Take them out in the program that it comes from if they should not be shared.
files-remove-names = Remove names
files-take-out = Take out
files-more = Add more files
