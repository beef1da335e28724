"""nginx as scripts/bootstrap bench unpacks it: one process, TLS, files."""
import pathlib

PROGRAM = pathlib.Path(__file__).resolve().parents[2] / "build/nginx/usr/sbin/nginx"

CONFIGURATION = """
daemon off;
master_process off;
pid {directory}/nginx.pid;
error_log {directory}/nginx.log;
events {{ worker_connections 256; }}
http {{
  access_log off;
  client_body_temp_path {directory}/body;
  proxy_temp_path {directory}/proxy;
  fastcgi_temp_path {directory}/fastcgi;
  uwsgi_temp_path {directory}/uwsgi;
  scgi_temp_path {directory}/scgi;
  keepalive_requests 1000000000;
  client_max_body_size 0;
  sendfile on;
  server {{
    listen 127.0.0.1:{port} ssl;
    ssl_certificate {certificate};
    ssl_certificate_key {key};
    ssl_protocols TLSv1.2 TLSv1.3;
    location /bytes/ {{ root {directory}; }}{locations}
  }}
}}
"""


def command(directory, port, certificate, key, locations=""):
    """What starts it, with its configuration in `directory`. It serves what lies in the folder bytes there, and what
    `locations` say."""
    configuration = directory / "nginx.conf"
    configuration.write_text(CONFIGURATION.format(directory=directory, port=port, certificate=certificate, key=key,
                                                  locations=locations))
    return [PROGRAM, "-p", directory, "-e", directory / "nginx.log", "-c", configuration]
