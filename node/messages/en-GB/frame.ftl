# What stands around every page.

product = Staffroom
skip-to-content = Skip to the content
nav-main = Main
nav-search = Search
nav-saved = Saved searches
signed-in-as = Signed in as { $name }
sign-out = Sign out
footer-language = Language
footer-partial = Only part of these pages is in Welsh. The rest is in English.
footer-what = What schools share with each other stays on their own servers.
not-found-heading = There is no such page
not-found-message = The address may have been typed wrongly.
error-heading = That did not work
back-to-search = Back to the search
month-1 = January
month-2 = February
month-3 = March
month-4 = April
month-5 = May
month-6 = June
month-7 = July
month-8 = August
month-9 = September
month-10 = October
month-11 = November
month-12 = December
