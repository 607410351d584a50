"""A Redis server in Python, for systems that no Redis wheel exists for: `python -m bot.fakeredis_server PORT`."""

import sys


def serve(port: int) -> None:
    """Serve on loopback until stopped."""
    from fakeredis import TcpFakeServer

    TcpFakeServer(("127.0.0.1", port), server_type="redis").serve_forever()


if __name__ == "__main__":
    serve(int(sys.argv[1]))
