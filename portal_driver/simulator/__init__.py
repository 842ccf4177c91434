"""A simulator of the portal and of the card control: a site of its own that behaves as the guide says.

`python -m portal_driver.simulator` runs it; `running.Simulator` runs it inside a test. State and rules are
in `world.py`; the screens are thin. Each rule that the guide leaves open is an assumption, marked [?]:

* Of a company that authorises for the first time, the application appears in 投保申请 only after 确定 (11):
  the guide calls the operation complete there and not before. Until then the banner stays, and 查看保单 leads
  to the screen where the company stopped.
* Three wrong PINs lock a card (`--pin-tries`); a right one gives the tries back.
* Signing in always takes the card: a lost session is not renewed by the sign-in site.
* Reading the 续转申请单 counts for the session in which it was read.
* An expired certificate is refused by the portal, after the PIN was used.
* A returned application (退回) stays returned; the portal offers no second one in the same year.
"""
