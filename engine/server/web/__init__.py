"""The creators' pages: server-rendered, with htmx, without a build step."""
