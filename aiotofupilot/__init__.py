"""Stream TofuPilot procedures with asyncio."""
