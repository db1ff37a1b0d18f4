"""What is wrong with an installation and how to mend it, a line each (`manage.py doctor`)."""
