# This server's settings, and withdrawing a record.

settings-heading = Settings
server-heading = This server
server-clock = Clock: { $said }.
server-version = Version
server-index = Search index
server-documents = Documents: { $number }.
server-index-up-to-date = Everything that came can be found.
server-index-behind = Some of what came cannot be found yet.
server-connected = Servers connected
server-traffic = Since the start
server-sent = { $size } sent,
server-received = { $size } received
server-disk = Free on the disk
server-data = Folder of its data
server-held-aside = { $count ->
    [one] 1 record waits, of a school that is not known here or with a clock that is ahead.
   *[other] { $count } records wait, of schools that are not known here or with clocks that are ahead.
}
server-contact = Where other servers reach it
server-groups = How it stands with each group is on the page
backup-heading = Backups
backup-none = No backups are made. If the disk of this server fails, what staff are writing is lost, and so is what no other school holds.
backup-set = Say where backups go on the command line of the server:
backup-to = Each night a backup goes to { $folder }.
backup-stay = { $count ->
    [one] It stays 1 day, and the newest one for longer where no other follows.
   *[other] It stays { $count } days, and the newest one for longer where no other follows.
}
backup-none-made = None is there yet.
backup-made = The backups that are there
backup-when = Made
backup-size = Size with all its files
backup-now = Make a backup now
backup-problem = Something is in the way: { $problem }
backup-restored = This server was restored from a backup of { $when }. It shows nothing until it has heard from other schools what was taken back since.
backup-restored-waits = It waits for another school of { $groups }.
backup-restored-takes-up = It now takes up what it has heard.
backup-resume-hint = If no other school can be reached, it can go on without. What was taken back since the backup is shown again then, until another school says so.
backup-resume = Go on without having heard
restored-heading = This server was restored and waits
line-heading = Line to other schools
line-what = How much may pass in a second on the line to other schools, within school hours and outside them. What waits is not lost; it comes later.
line-within-now = It is within school hours.
line-outside-now = It is outside school hours.
line-until = This lasts until { $when }.
line-no-ceiling = There is no ceiling.
line-rate-hint = Such as 2 Mbit/s. For no ceiling, write none.
line-within-receiving = Receiving within school hours
line-within-sending = Sending within school hours
line-outside-receiving = Receiving outside school hours
line-outside-sending = Sending outside school hours
line-hours = School hours
line-hours-hint = Such as 08:30-16:00
line-days = Days on which they begin
line-days-hint = Such as Mon-Fri or Mon,Wed
line-zone = Time zone of the school
line-zone-hint = Such as Europe/London
line-button = Set the line
line-lift = Let everything pass again
mail-heading = E-mail
mail-none = No e-mail is sent. For the weekly e-mail, set a mail server on the command line:
mail-server = E-mail is sent by { $server }.
mail-weekly = { $count ->
    [0] Nobody has asked for the weekly e-mail yet; it is on the page “Your account”.
    [one] 1 person has the weekly e-mail.
   *[other] { $count } people have the weekly e-mail.
}
mail-problem = The last e-mail was not sent: { $problem }
storage-heading = Room for other schools’ files
storage-what = This server keeps files that staff here have opened, and copies of some that others share, so that they outlast the server of their school.
storage-used = Held now: { $size }.
storage-kept = Of it, kept for others: { $size }.
storage-over = That is { $size } more than may be: too few other schools hold it for it to go.
storage-refused = { $count ->
    [one] 1 file found no room here.
   *[other] { $count } files found no room here.
}
storage-total = Most that it holds of other schools’ files
storage-size-hint = A number and a unit, such as 50 GB
storage-per-school = Most that it keeps of one school’s files for others
storage-min-free = What stays free on the disk
storage-unfinished = Keep the part of a file that has come where the rest cannot be had yet
storage-capacity = How much this school keeps of what others share
storage-capacity-hint = All schools of its groups hear it, and share out the files by it.
storage-none = Nothing
storage-small = Half of what most keep
storage-normal = What most keep
storage-large = Twice what most keep
storage-button = Set the room
servers-heading = Servers of this school
servers-what = These may speak for this school: its server, and a standby if there is one.
servers-this = This server
servers-connected = connected
servers-revoke = Revoke
servers-revoke-what = For a server that was stolen or given away. The other schools take nothing from it any more. What it shared until now stays. This cannot be undone.
servers-revoke-button = Revoke this server
withdraw-link = Withdraw it
withdraw-heading = Withdraw a record
withdraw-question = Withdraw “{ $title }”?
withdraw-groups = It is shared with { $groups }.
withdraw-erased = It disappears from every school’s search, and each school’s server erases its text and files and says so. The page of the record shows which have.
withdraw-away = A school that is away erases it when it connects.
withdraw-backups = It is out of the schools’ backups after 35 days.
withdraw-read = What staff have read, printed or downloaded stays with them.
withdraw-final = This cannot be undone. To share it again, write it as a new record.
withdraw-reason = Why it is withdrawn
withdraw-reason-hint = The reason stays in this school, in the audit log.
withdraw-button = Withdraw it from all groups
withdraw-back = Back to the record
receipts-heading = Who has erased it
receipts-school = School
receipts-group = Group
receipts-erased = Erased
receipts-backups = Out of backups by
receipts-not-yet = not yet
