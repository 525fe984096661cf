# Groups, and who belongs to them.

network-heading = Network
network-what = Schools share what worked in groups: a trust, a cluster or a network of subject leaders. Each school of a group holds all that is shared in it.
network-none = This school is in no group yet.
network-role = This school’s role: { $role }.
network-gone = This school is not in this group: { $how }.
network-waiting = Waiting for { $school } to let this school in. This server goes on asking.
network-schools = { $count ->
    [one] 1 school.
   *[other] { $count } schools.
}
network-connected = { $count ->
    [0] No other school is connected.
    [one] 1 other school is connected.
   *[other] { $count } other schools are connected.
}
network-records = Records: { $number }.
network-texts = { $count ->
    [one] The full text of 1 record is still to come.
   *[other] The full texts of { $count } records are still to come.
}
network-silent = { $count ->
    [one] 1 school has not been heard from for an hour or more.
   *[other] { $count } schools have not been heard from for an hour or more.
}
network-create = Create a group
network-create-what = For a trust, cluster or network that has no group here yet
network-name = Name of the group
network-kind = What sort of group
network-trust = Trust: the schools of a multi-academy trust
network-cluster = Cluster: some schools of a trust, or of several, that work closely together
network-network = Network: subject leaders, or others with a shared purpose, across trusts
network-create-button = Create the group
network-administrators = An administrator of this school can create or join groups.
network-back = Back without doing anything
join-heading = Join a group
join-line = Invite
join-line-hint = Paste the line that the other school sent, or what its QR code says. You will see what it does before anything is done.
join-look = See what it does
join-question = Join { $group }?
join-from = { $school } made the invite.
join-expires = The invite is valid until { $day }.
join-learns = All schools of the group learn that { $school } is in it, and where its server can be reached.
join-reads = Staff here can find and read what the group shares. This server keeps a copy of it.
join-shares = Nothing of this school is shared with the group by that alone. Whoever shares a record chooses its groups.
join-asks = The invite may let this school in at once, or { $school } may want to look at who asks first.
join-leaves = This school can leave the group at any time.
join-button = Join the group
requests-heading = Schools that ask to be let in
requests-what = A school that is let in can find and read all that the group shares, and keeps a copy of it. Let it in only if you know it and expected it: ask it by telephone for its id if you are not sure. If you decline, its invite is taken back.
requests-as = Would be a
requests-admit = Let in
requests-decline = Decline
school-urn = URN
school-phase = Phase
school-location = Location
school-id = Id
school-passphrase = Passphrase of this school’s key
group-feed-what = What the schools of the group shared last
group-gone-what = Nothing more is shared with it or comes from it.
group-schools = Schools
group-root = holds the root
group-since = Member since { $day }
group-up-to-date = has known since { $when } who belongs to the group
group-not-up-to-date = has not confirmed yet that it knows who belongs to the group
group-change = Change
group-admin-what = An admin invites, lets in and removes schools.
group-admin-name = Name it an admin
group-admin-end-what = The school stays a member, but invites and removes nobody any more.
group-admin-end = End its being an admin
group-others-sign = Other schools have to sign this too
group-remove = Remove this school
map-link = See them on a map
map-heading = Where the schools are
map-what = North is up. The numbers are those of the list below, which says all that the map shows.
map-none = No school of the group says where it is in a way that can be put on a map.
map-undrawn = { $count ->
    [one] 1 more school is on the list alone, as the map has no room for more.
   *[other] { $count } more schools are on the list alone, as the map has no room for more.
}
map-in-words = { $count ->
    [one] A map of 1 school. The list below says the same.
   *[other] A map of { $count } schools. The list below says the same.
}
map-own = this school
map-connected = connected
map-day = heard from within a day
map-week = within a week
map-longer = longer ago or never
map-schools = Schools on the map
map-number = Number
map-school = School
map-contact = Last contact
map-distance-from = Distance from { $school }
map-distance = { $km } km to the { $direction }
map-km = { $km } km
map-same-spot = on the same spot
map-north = north
map-north-east = north-east
map-east = east
map-south-east = south-east
map-south = south
map-south-west = south-west
map-west = west
map-north-west = north-west
map-north-letter = N
map-unplaced = Schools that are not on the map
map-unplaced-what = A school says where it is when it is set up. It is put on the map where its location ends with a reference of the National Grid, such as TF 412 107, with a latitude and longitude, such as 52.67, 0.09, or with the easting and northing that the register of schools has. The name of a town alone is not enough, as several have the same.
map-unplaced-later = What a school said of itself when it was let in cannot be changed in the group afterwards.
group-holdings = Ask each school whether it holds the same as this one
group-former = Schools that are members no more
group-root-heading = Who is above the admins
group-root-what = The root of a group names its admins.
group-back = Back to { $group }
invites-heading = Invite a school
invites-what = An invite lets one school in, once. It is shown when you make it and not again.
invites-role = What the school may do
invites-member = Member: reads and shares records
invites-reader = Reader: reads records
invites-days = Days for which it is valid, { $most } at most
invites-ask = Ask me before the school is let in
invites-make = Make an invite
invites-open = Invites that can be used
invites-lets-in = lets in a { $role }
invites-until = until { $day }
invites-revoke = Take back
invites-closed = Invites that cannot be used any more
invite-heading = Invite
invite-to = Invite to { $group }
invite-lets-in = This line lets one school in until { $day }. Send it to that school only. Copy it now: it is not shown again.
invite-line = Line to send
invite-next = An administrator of the other school pastes it on the page Network of its own Staffroom.
invite-code = QR code of the invite
invite-code-what = The same as a QR code. What it says is pasted in the same way.
remove-heading = Remove a school
remove-question = Remove { $school }?
remove-from = It would be a member of { $group } no more.
remove-who-hears = Who hears of it
remove-connected = { $count ->
    [0] No other school is connected now.
    [one] 1 other school is connected and hears of it now.
   *[other] { $count } other schools are connected and hear of it now.
}
remove-away = { $count ->
    [one] 1 is away and hears of it when it connects.
   *[other] { $count } are away and hear of it when they connect.
}
remove-until = Until a school has heard, it may go on sharing with the removed school. The page of the group says which schools have heard.
remove-school-hears = The removed school is told as soon as its server reaches one that has heard.
remove-keeps = What is kept
remove-its-own = The removed school keeps its own records.
remove-stays = What it shared until now stays with the group. What it publishes afterwards is refused.
remove-others = Its server deletes what the other schools shared, once it has heard.
remove-final = What cannot be undone
remove-unread = What its staff have read, printed or downloaded stays with them. A server that somebody has tampered with may delete nothing.
remove-again = A removal cannot be taken back. To let the school in again, send it a new invite.
remove-button = Remove { $school }
leave-heading = Leave a group
leave-link = Leave this group
leave-question = Leave { $group }?
leave-hear = The other schools hear that this school has left: those that are connected now, the others when they connect.
leave-own = This school keeps its own records.
leave-others = Nothing that the others share from now on comes here.
leave-again = To come back, this school needs a new invite.
leave-records = What becomes of what this school shared with the group
leave-stay = It stays with the members
leave-go = The members delete it
leave-button = Leave { $group }
holdings-heading = Who holds what
holdings-what = Each school that is connected was asked just now whether it holds the same records as this one.
holdings-none = There is no other school in the group.
holdings-same = Holds the same
holdings-differs = Holds something else
holdings-indexing = It is still making its search index.
holdings-no-answer = Did not answer
