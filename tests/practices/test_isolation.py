def test_x(db):
    from django.db import connection
    with connection.cursor() as c:
        c.execute("select current_user"); print(c.fetchall())
        c.execute("select relname, relrowsecurity, relforcerowsecurity from pg_class where relkind='r' and relnamespace='public'::regnamespace order by 1"); print(*c.fetchall(),sep="\n")
